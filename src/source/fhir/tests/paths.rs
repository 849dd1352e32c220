//! Expressions, with the values that the specifications give them.

use super::super::json::{Keep, Tree};
use super::super::path::{Context, Fault, Item, parse};

/// The values of an expression as texts.
fn all(resource: &str, path: &str) -> Result<Vec<String>, Fault> {
    let expr = parse(path, &[]).unwrap_or_else(|wrong| panic!("{path}: {wrong:?}"));
    let mut keep = Keep::default();
    keep.add("resourceType");
    keep.add("id");
    expr.note(&mut keep);
    let tree = Tree::parse(resource, &keep, 0).unwrap();
    let cx = Context::new(&tree, 0);
    let mut found = vec![];
    cx.eval(&expr, &[Item::node(0)], 0, &mut found)?;
    Ok(found.iter().map(|item| cx.cell(item).unwrap_or_default().into_owned()).collect())
}

/// Each line: an expression, `→`, its values between commas.
fn hold(resource: &str, lines: &str) {
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (path, expected) = line.split_once('→').unwrap();
        let found = all(resource, path).map(|values| values.join(", "));
        assert_eq!(found.as_deref(), Ok(expected.trim()), "{path}");
    }
}

#[test]
fn dates_compare_as_far_as_they_are_given() {
    // FHIRPath 2.0, sections 6.1.1 and 6.2.
    hold(
        "{}",
        "@2012 = @2012 → true
         @2012-01 = @2012 →
         @2012 = @2013 → false
         @2018-03-01 > @2018-01-01 → true
         @2018-03 > @2018-03-01 →
         @2018-03 > @2018-01-01 → true
         @2018-03-01T10:30:00 > @2018-03-01T10:00:00 → true
         @2018-03-01T10 > @2018-03-01T10:30 →
         @2018-03-01T10:30:00 > @2018-03-01T10:30:00.0 → false
         @2012-01-01T10:30:31.0 = @2012-01-01T10:30:31 → true
         @T10:30:00 > @T10:00:00 → true
         @T10 > @T10:30 →
         @T10:30:00 > @T10:30:00.0 → false
         @2017-11-05T01:30:00.0-04:00 > @2017-11-05T01:15:00.0-05:00 → false
         @2017-11-05T01:30:00.0-04:00 < @2017-11-05T01:15:00.0-05:00 → true
         @2017-11-05T01:30:00.0-04:00 = @2017-11-05T00:30:00.0-05:00 → true
         @2020-12-31T23:30:00-01:00 = @2021-01-01T00:30:00Z → true
         @2020-03-01T00:10:00+01:00 = @2020-02-29T23:10:00Z → true
         @2018-03-01 is date → true
         @2018-03-01 = 1 → false",
    );
}

#[test]
fn boundaries_are_those_of_the_precision() {
    // FHIRPath, draft of version 3; the zones as in the tests of SQL-on-FHIR.
    hold(
        "{}",
        "1.587.lowBoundary() → 1.5865
         1.587.lowBoundary(2) → 1.58
         1.587.lowBoundary(6) → 1.5865
         1.587.highBoundary() → 1.5875
         1.587.highBoundary(2) → 1.59
         (-1.587).lowBoundary() → -1.5875
         (-1.587).highBoundary() → -1.5865
         (-1.587).highBoundary(2) → -1.58
         1.lowBoundary() → 0.5
         1.highBoundary() → 1.5
         @2014.lowBoundary(6) → 2014-01
         @2014.highBoundary(6) → 2014-12
         @2014-02.highBoundary() → 2014-02-28
         @2016-02.highBoundary() → 2016-02-29
         @2014-01-01T08.lowBoundary(17) → 2014-01-01T08:00:00.000+14:00
         @2014-01-01T08.highBoundary(17) → 2014-01-01T08:59:59.999-12:00
         @2014-01-01T08:05-05:00.highBoundary(17) → 2014-01-01T08:05:59.999-05:00
         @2014-01-01T08:05:12.5Z.highBoundary() → 2014-01-01T08:05:12.500Z
         @T10:30.lowBoundary(9) → 10:30:00.000
         @T10:30.highBoundary(9) → 10:30:59.999
         @T10.highBoundary() → 10:59:59.999",
    );
    let period = r#"{"resourceType":"Encounter","period":{"start":"2020-02","end":"2020"}}"#;
    hold(period, "period.lowBoundary() → 2020-02-01T00:00:00.000+14:00\n period.highBoundary() → 2020-12-31T23:59:59.999-12:00");
}

#[test]
fn texts_and_numbers() {
    // FHIRPath 2.0, sections 5.6, 5.7 and 6.6.
    hold(
        "{}",
        "'abcdefg'.substring(3) → defg
         'abcdefg'.substring(1, 2) → bc
         'abcdefg'.substring(6, 2) → g
         'abcdefg'.substring(7, 1) →
         'abcdefg'.substring(-1, 1) →
         'abcdefg'.indexOf('bc') → 1
         'abcdefg'.indexOf('x') → -1
         'abcdefg'.startsWith('abc') → true
         'abcdefg'.endsWith('abc') → false
         'abc'.contains('d') → false
         'abcdefg'.replace('cde', '123') → ab123fg
         'abc'.replace('', 'x') → xaxbxcx
         'abc'.toChars() → a, b, c
         'A,B'.split(',') → A, B
         'abc'.upper() & 'É'.lower() & {} → ABCé
         'it\\'s \\u0041' → it's A
         5 div 2 → 2
         5.5 div 0.7 → 7
         5 / 0 →
         5 mod 2 → 1
         5.5 mod 0.7 → 0.6
         1 / 8 → 0.125
         1 + 2 * 3 → 7
         (1 + 2) * -3 → -9
         -2 + 3 → 1
         'a' + 'b' → ab
         'a' + {} →
         3.14159.round(3) → 3.142
         (-5.5).abs() → 5.5
         1.1.ceiling() → 2
         (-1.1).ceiling() → -1
         (-2.1).floor() → -3
         (-1.56).truncate() → -1
         '12'.toInteger() + 1 → 13
         '1.50'.toDecimal() → 1.50
         1.10 = 1.1 → true
         'a' = 1 → false
         'ABC' ~ ' abc' → true
         'abc' > 'abb' → true
         10 > 9.5 → true
         1 < 1 → false
         1 <= 1.0 → true
         1 >= 1 → true
         1 > 1 → false
         1 != 1 → false
         'a' !~ 'A' → false",
    );
    for wrong in ["'a' > 1", "'a' * 2", "true + 1", "(1 | 2) + 1", "(1 | 2).single()", "1.upper()"] {
        assert!(all("{}", wrong).is_err(), "{wrong}");
    }
}

#[test]
fn logic_has_three_values() {
    // FHIRPath 2.0, section 6.5, with the precedence of 6.8.
    hold(
        "{}",
        "true and {} →
         false and {} → false
         {} and false → false
         true or {} → true
         {} or true → true
         false or {} →
         true xor {} →
         true xor false → true
         false implies {} → true
         {} implies true → true
         true implies {} →
         {}.not() →
         true or false and false → true
         1 in (1 | 2) → true
         (1 | 2) contains 3 → false
         1 = 1 and 2 > 1 → true
         iif(false, 'a', 'b') → b
         iif({}, 'a') →
         (1 | 1 | 2).count() → 2
         (1 | 2).combine(2).isDistinct() → false
         (1 | 2).intersect(2 | 3) → 2
         (1 | 2).exclude(2) → 1
         (1 | 2).subsetOf(1 | 2 | 3) → true
         (1 | 2 | 3).skip(1).take(1) → 2
         (1 | 2 | 3).where($index > 0) → 2, 3
         (1 | 2 | 3).where($this > 1).last() → 3
         (1 | 2).select($this * 10) → 10, 20
         (1 | 2).all($this > 0) → true
         (true | false).anyTrue() → true
         (true | false).allTrue() → false
         1 /* and */ + 1 → 2",
    );
}

const PATIENT: &str = r#"{"resourceType":"Patient","id":"p1","active":true,"multipleBirthInteger":2,
  "name":[{"use":"official","family":"Le \"Roy\"","given":["Ann",null,"Bea"],"_given":[null,{"extension":[{"url":"u","valueString":"none"}]},{"extension":[{"url":"u","valueString":"third"}]}]},{"family":"Old"}],
  "birthDate":"1974-12-25","_birthDate":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/patient-birthTime","valueDateTime":"1974-12-25T14:35:45-05:00"}]},
  "_gender":{"extension":[{"url":"u","valueCode":"absent"}]},
  "contact":[{"name":{"family":"X"},"period":{"end":"2020"}}],
  "extension":[{"url":"w","valueQuantity":{"value":1.10,"unit":"kilogram","code":"kg"}}]}"#;

#[test]
fn elements_are_found_by_name_type_and_place() {
    hold(
        PATIENT,
        r#"name.family → Le "Roy", Old
         Patient.name.given → Ann, Bea
         Observation.name →
         name.given[1] → Bea
         name[0].given.count() → 2
         name.where(use = 'official').exists() → true
         name.exists(family = 'Old') → true
         name.given.first() & ' ' & name.first().family → Ann Le "Roy"
         multipleBirth → 2
         multipleBirth.ofType(integer) → 2
         multipleBirth.ofType(boolean) →
         multipleBirth is integer → true
         (multipleBirth as integer) + 1 → 3
         active.not() → false
         birthDate > @1970 → true
         birthDate < @1974-12-26 → true
         birthDate.highBoundary() → 1974-12-25
         birthDate.extension('http://hl7.org/fhir/StructureDefinition/patient-birthTime').value.ofType(dateTime) → 1974-12-25T14:35:45-05:00
         birthDate.extension('http://hl7.org/fhir/StructureDefinition/patient-birthTime').value.ofType(time) →
         name.given.extension('u').value → third
         gender.exists() → true
         gender.hasValue() → false
         gender.extension('u').value.ofType(code) → absent
         gender = 'male' →
         extension('w').value.ofType(Quantity).value → 1.10
         extension('w').value > 1 'kg' → true
         extension('w').value = 1.1 'kg' → true
         extension('w').value > 1 'g' →
         extension.value.ofType(FHIR.Quantity).unit → kilogram
         contact.period → {"end":"2020"}
         contact.name = contact.name → true
         contact.first().name = %resource.contact.name → true
         contact.children().count() → 2
         contact.descendants().where($this = 'X') → X
         getResourceKey() → p1
         %resource.id → p1
         `birthDate` → 1974-12-25
         resourceType → Patient
         nothing.here → "#,
    );
    assert_eq!(all(PATIENT, "name.family + 'x'"), Err(Fault::Several));
}

#[test]
fn keys_of_references() {
    let key = |reference: &str, path: &str| all(&format!(r#"{{"resourceType":"Observation","subject":{reference}}}"#), path).unwrap().join(",");
    for (reference, typed, any) in [
        (r#"{"reference":"Patient/1"}"#, "1", "1"),
        (r#"{"reference":"http://x.org/fhir/Patient/1"}"#, "1", "1"),
        (r#"{"reference":"Patient/1/_history/2"}"#, "1", "1"),
        (r#"{"reference":"Group/1"}"#, "", "1"),
        (r#"{"reference":"urn:uuid:a-1"}"#, "a-1", "a-1"),
        (r#"{"reference":"urn:uuid:a-1","type":"Patient"}"#, "a-1", "a-1"),
        (r#"{"reference":"urn:uuid:a-1","type":"Group"}"#, "", "a-1"),
        (r##"{"reference":"#contained"}"##, "", ""),
        (r#"{"reference":"Patient?identifier=a|b"}"#, "", ""),
        (r#"{"display":"someone"}"#, "", ""),
    ] {
        assert_eq!(key(reference, "subject.getReferenceKey(Patient)"), typed, "{reference}");
        assert_eq!(key(reference, "subject.getReferenceKey('Patient')"), typed, "{reference}");
        assert_eq!(key(reference, "subject.getReferenceKey()"), any, "{reference}");
    }
}

#[test]
fn objects_are_equal_in_whatever_order() {
    let resource = r#"{"resourceType":"X","a":[{"x":1.0,"y":[{"z":"t"}]},{"y":[{"z":"\u0074"}],"x":1},{"x":1}]}"#;
    hold(resource, "a[0] = a[1] → true\n a[0] = a[2] → false\n a.distinct().count() → 2");
}

#[test]
fn repeat_takes_each_value_once() {
    let resource = r#"{"resourceType":"X","item":[{"id":"1","item":[{"id":"2"}]},{"id":"3"}]}"#;
    hold(resource, "repeat(item).id → 1, 3, 2\n repeat($this).count() → 1\n item.repeat('a').count() → 1\n repeat(item).count() → 3");
}

/// A short expression may double what it holds with each step, or list what is below each element that is below others.
#[test]
fn growth_has_an_end() {
    for step in ["$this & $this", "$this + $this", "$this.combine($this)", "$this.toChars().join('ab')"] {
        let path = format!("'ab'{}", format!(".select({step})").repeat(60));
        assert_eq!(all("{}", &path), Err(Fault::Work), "{step}");
    }
    let deep = (0..150).fold("{}".to_owned(), |inner, _| format!(r#"{{"a":{inner},"b":[1,2,3,4,5,6,7,8,9]}}"#));
    assert!(all(&deep, "descendants()").is_ok());
    assert_eq!(all(&deep, "descendants().descendants().descendants().descendants()"), Err(Fault::Work));
}

#[test]
fn what_is_no_expression_is_refused() {
    let deep = "(".repeat(100_000);
    let long = format!("1{}", "+1".repeat(100_000));
    let minus = "-".repeat(100_000);
    let chain = format!("a{}", ".first()".repeat(100_000));
    let wrong = [
        "",
        "@@", "name.", "name..a", "name[", "'a", "a b", "%x", "f()", "first(1)", "name.where()", "@2020-13", "@T25", "a = ", "{1}", "1 2", "$that", "%", "#", "`a", "'\\q'",
        "ofType()", "/* a", &deep, &long, &minus, &chain,
    ];
    for path in wrong {
        assert!(parse(path, &[]).is_err(), "{}", path.get(..20).unwrap_or(path));
    }
    let high = format!("{}1{}", "iif(true, ".repeat(140), ")".repeat(140));
    assert_eq!(all("{}", &high), Ok(vec!["1".into()]));
    let names = format!("a{}", ".a".repeat(100_000));
    assert_eq!(all(r#"{"a":{"a":1}}"#, &names), Ok(vec![]));
    assert_eq!(parse("name.wher(use = 'a')", &[]).unwrap_err().place, 5);
}
