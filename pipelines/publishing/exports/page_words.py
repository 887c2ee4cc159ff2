"""The pages' texts, in three languages."""

from __future__ import annotations

from pipelines.publishing.exports.words import Text

PAGE = {
    "title": Text(
        "Показатели: методика и словарь", "Паказчыкі: методыка і слоўнік", "Indicators: methodology and dictionary"
    ),
    "home": Text("Все показатели", "Усе паказчыкі", "All indicators"),
    "skip": Text("К содержанию", "Да зместу", "Skip to content"),
    "languages": Text("Язык", "Мова", "Language"),
    "contents": Text("Разделы", "Раздзелы", "Sections"),
    "indicators": Text("Показатели", "Паказчыкі", "Indicators"),
    "indicator": Text("Показатель", "Паказчык", "Indicator"),
    "frameworks": Text("Международные системы показателей", "Міжнародныя сістэмы паказчыкаў", "International frameworks"),
    "indices": Text("Сводные индексы", "Зводныя індэксы", "Composite indices"),
    "dictionary": Text("Словарь таблиц и столбцов", "Слоўнік табліц і слупкоў", "Dictionary of tables and columns"),
    "measures": Text("Наблюдаемые величины", "Назіраныя велічыні", "Measures"),
    "downloads": Text("Данные в других формах", "Даныя ў іншых формах", "The data in other forms"),
    "publication": Text("Публикация", "Публікацыя", "Publication"),
    "region_only": Text("Только данные территории", "Толькі даныя тэрыторыі", "Only the data of"),
    "code": Text("Код", "Код", "Code"),
    "name": Text("Название", "Назва", "Name"),
    "unit": Text("Единица", "Адзінка", "Unit"),
    "theme": Text("Тема", "Тэма", "Theme"),
    "definition": Text("Определение", "Азначэнне", "Definition"),
    "rationale": Text("Зачем и как читать", "Навошта і як чытаць", "What for, and how to read it"),
    "about": Text("Кратко", "Коратка", "In short"),
    "direction": Text("Что лучше", "Што лепш", "Where better is"),
    "frequencies": Text("Периодичность", "Перыядычнасць", "Frequency"),
    "owner": Text("Кто отвечает", "Хто адказвае", "Owner"),
    "answers": Text("Отвечает показателям", "Адказвае паказчыкам", "Answers to"),
    "levels": Text("Уровни территорий", "Узроўні тэрыторый", "Levels of territory"),
    "roll_up": Text("Свод по территориям", "Звод па тэрыторыях", "Aggregation over territories"),
    "no_roll_up": Text("не делается", "не робіцца", "none"),
    "imputation": Text("Пропуски", "Пропускі", "Missing values"),
    "no_imputation": Text("не восполняются", "не запаўняюцца", "are not filled in"),
    "imputation_limit": Text("не более периодов", "не больш за перыядаў", "periods at most"),
    "minimum_coverage": Text("Минимальный охват", "Мінімальны ахоп", "Minimum coverage"),
    "of_months": Text("месяцев периода", "месяцаў перыяду", "of the months of a period"),
    "of_people": Text("населения свода", "насельніцтва зводу", "of the people of an aggregate"),
    "rounding": Text("Округление при показе, знаков", "Акругленне пры паказе, знакаў", "Decimal places shown"),
    "small_cells": Text("Малые значения", "Малыя значэнні", "Small cells"),
    "suppressed_below": Text(
        "части меньше этого числа скрыты:", "часткі, меншыя за гэты лік, схаваны:", "parts below this count are suppressed:"
    ),
    "no_suppression": Text("не скрываются", "не хаваюцца", "are not suppressed"),
    "not_measured": Text(
        "Данных пока нет: показатель объявлен, но ни один источник его не передаёт.",
        "Даных пакуль няма: паказчык аб'яўлены, але ніводная крыніца яго не перадае.",
        "There are no data yet: the indicator is declared, but no source delivers it.",
    ),
    "method": Text("Методика", "Методыка", "Method"),
    "versions": Text("Версии методики", "Версіі методыкі", "Versions of the method"),
    "version": Text("Версия", "Версія", "Version"),
    "valid": Text("Действует", "Дзейнічае", "Valid"),
    "valid_always": Text("для всех периодов", "для ўсіх перыядаў", "for all periods"),
    "valid_from": Text("с", "з", "from"),
    "valid_to": Text("по", "па", "until"),
    "newest": Text("последняя", "апошняя", "the newest"),
    "legal_act": Text("Правовой акт", "Прававы акт", "Legal act"),
    "not_given": Text("не указан", "не ўказаны", "none given"),
    "formula": Text("Формула", "Формула", "Formula"),
    "terms": Text("Из чего складывается", "З чаго складаецца", "What is added up"),
    "numerator": Text("Числитель", "Лічнік", "Numerator"),
    "denominator": Text("Знаменатель", "Назоўнік", "Denominator"),
    "note": Text("Примечание", "Заўвага", "Note"),
    "same_member": Text("тот же разрез", "той жа разрэз", "the same breakdown"),
    "previous_year": Text("годом раньше", "годам раней", "a year before"),
    "country": Text("страны", "краіны", "of the country"),
    "explanations": Text("Пояснения", "Тлумачэнні", "Explanations"),
    "values": Text("Значения по областям", "Значэнні па абласцях", "Values by region"),
    "no_values": Text("Опубликованных значений нет.", "Апублікаваных значэнняў няма.", "No values are published."),
    "territory": Text("Территория", "Тэрыторыя", "Territory"),
    "period": Text("Период", "Перыяд", "Period"),
    "value": Text("Значение", "Значэнне", "Value"),
    "status": Text("Статус", "Статус", "Status"),
    "quality": Text("Класс качества", "Клас якасці", "Quality class"),
    "coverage": Text("Охват населения, %", "Ахоп насельніцтва, %", "Population coverage, %"),
    "no_value": Text("нет значения", "няма значэння", "no value"),
    "sources": Text("Источники и лицензии", "Крыніцы і ліцэнзіі", "Sources and licences"),
    "source": Text("Источник", "Крыніца", "Source"),
    "attribution": Text("Как указывать", "Як указваць", "Attribution"),
    "licence": Text("Лицензия", "Ліцэнзія", "Licence"),
    "publisher": Text("Кто выпустил", "Хто выпусціў", "Publisher"),
    "reference": Text("Документ", "Дакумент", "Document"),
    "reported": Text("Представлено", "Прадстаўлена", "Reported"),
    "of": Text("из", "з", "of"),
    "verified_count": Text("Формула сверена с документом", "Формула зверана з дакументам", "Formula compared with the document"),
    "verified": Text("Что сверено", "Што зверана", "What was compared"),
    "unverified": Text("Что не сверено", "Што не зверана", "What was not compared"),
    "translation": Text("Перевод", "Пераклад", "Translation"),
    "formula_status": Text("Формула", "Формула", "Formula"),
    "reporting": Text("Представлен ли", "Ці прадстаўлены", "Reporting"),
    "answered_by": Text("Чем отвечаем", "Чым адказваем", "Answered by"),
    "regions": Text("Областей", "Абласцей", "Regions"),
    "tree": Text("Состав и веса", "Склад і вагі", "Structure and weights"),
    "node": Text("Часть", "Частка", "Part"),
    "weight": Text("Вес", "Вага", "Weight"),
    "normalisation": Text("Нормирование", "Нарміраванне", "Normalisation"),
    "aggregation": Text("Свёртка", "Згортка", "Aggregation"),
    "index_status": Text("Состояние методики", "Стан методыкі", "Status of the method"),
    "level": Text("Сравниваются", "Параўноўваюцца", "Compared"),
    "column": Text("Столбец", "Слупок", "Column"),
    "type": Text("Тип", "Тып", "Type"),
    "description": Text("Описание", "Апісанне", "Description"),
    "table": Text("Таблица", "Табліца", "Table"),
    "rows": Text("строк", "радкоў", "rows"),
    "measure": Text("Величина", "Велічыня", "Measure"),
    "kind": Text("Вид", "Від", "Kind"),
    "absence": Text("Если строки нет", "Калі радка няма", "If a row is absent"),
    "breakdown": Text("Разрез", "Разрэз", "Breakdown"),
    "used_by": Text("Входит в показатели", "Уваходзіць у паказчыкі", "Used by"),
}  # fmt: skip

# concepts of the SDMX cross-domain concept scheme
CONCEPTS = {
    "ACCURACY": Text("Точность", "Дакладнасць", "Accuracy"),
    "COLL_METHOD": Text("Способ сбора", "Спосаб збору", "Data collection method"),
    "COMPARABILITY": Text("Сопоставимость", "Супастаўнасць", "Comparability"),
    "COVERAGE": Text("Охват", "Ахоп", "Coverage"),
    "DATA_COMP": Text("Как вычисляется", "Як вылічваецца", "Data compilation"),
    "DATA_VALIDATION": Text("Проверка данных", "Праверка даных", "Data validation"),
    "DISS_COMMENT": Text("О распространении", "Аб распаўсюджванні", "Dissemination notes"),
    "PUNCTUALITY": Text("Соблюдение сроков", "Захаванне тэрмінаў", "Punctuality"),
    "QUALITY_ASSMNT": Text("Оценка качества", "Ацэнка якасці", "Quality assessment"),
    "REC_USE_LIM": Text("Ограничения использования", "Абмежаванні выкарыстання", "Recommended uses and limitations"),
    "REL_POLICY": Text("Порядок выпуска", "Парадак выпуску", "Release policy"),
    "REV_POLICY": Text("Порядок пересмотра", "Парадак перагляду", "Revision policy"),
    "SOURCE_TYPE": Text("Вид источника", "Від крыніцы", "Source data type"),
    "STAT_POP": Text("Статистическая совокупность", "Статыстычная сукупнасць", "Statistical population"),
    "TIMELINESS": Text("Своевременность", "Своечасовасць", "Timeliness"),
}  # fmt: skip

FORMULA_STATUS = {
    "verified": Text("сверена с документом", "зверана з дакументам", "compared with the document"),
    "name_verified": Text("сверено только название", "зверана толькі назва", "only the name was compared"),
    "to_be_checked": Text("надо сверить", "трэба зверыць", "to be checked"),
}
REPORTING = {
    "reported": Text("представлен", "прадстаўлены", "reported"),
    "not_reported": Text("не представлен", "не прадстаўлены", "not reported"),
}
MATCHES = {
    "same": Text("то же определение", "тое ж азначэнне", "the same definition"),
    "close": Text("близкое определение", "блізкае азначэнне", "a close definition"),
}
INDEX_STATUS = {
    "official": Text("официальная", "афіцыйная", "official"),
    "published": Text("опубликована", "апублікавана", "published"),
    "example": Text(
        "ПРИМЕР: не утверждена, использовать нельзя",
        "ПРЫКЛАД: не зацверджана, выкарыстоўваць нельга",
        "EXAMPLE: not approved, must not be used",
    ),
}
LEVELS = {
    "country": Text("страна", "краіна", "country"),
    "region": Text("области и Минск", "вобласці і Мінск", "regions and Minsk"),
    "district": Text("районы", "раёны", "districts"),
    "city": Text("города", "гарады", "cities"),
}
NORMALISATIONS = {
    "none": Text("как есть", "як ёсць", "as it is"),
    "min_max": Text("доля пути между ориентирами", "доля шляху паміж арыенцірамі", "min-max"),
    "z_score": Text("отклонение от среднего", "адхіленне ад сярэдняга", "z-score"),
    "rank": Text("место", "месца", "rank"),
    "percentile_rank": Text("процентильное место", "працэнтыльнае месца", "percentile rank"),
    "distance_to_target": Text("доля достигнутого", "доля дасягнутага", "distance to target"),
    "benchmark_bands": Text("баллы за долю ориентира", "балы за долю арыенціра", "points for the share of a benchmark"),
    "bands": Text("баллы по границам", "балы па межах", "points by bands"),
}  # fmt: skip
AGGREGATIONS = {
    "arithmetic": Text("среднее арифметическое", "сярэдняе арыфметычнае", "arithmetic mean"),
    "geometric": Text("среднее геометрическое", "сярэдняе геаметрычнае", "geometric mean"),
    "harmonic": Text("среднее гармоническое", "сярэдняе гарманічнае", "harmonic mean"),
    "sum": Text("сумма", "сума", "sum"),
    "points_share": Text("доля возможных баллов", "доля магчымых балаў", "share of the possible points"),
}
KINDS = {
    "flow": Text("за период", "за перыяд", "over a period"),
    "stock": Text("на конец периода", "на канец перыяду", "at the end of a period"),
}
ABSENCES = {
    "zero": Text("это ноль", "гэта нуль", "it is zero"),
    "not_published": Text("не опубликовано", "не апублікавана", "it is not published"),
}
# other products, with the file to open first
DOWNLOADS = {
    "sdmx/structure.xml": Text("SDMX: структура", "SDMX: структура", "SDMX: structure"),
    "sdmx/data.csv": Text("SDMX-CSV: значения", "SDMX-CSV: значэнні", "SDMX-CSV: values"),
    "datapackage/datapackage.json": Text(
        "Пакет данных (таблицы CSV)", "Пакет даных (табліцы CSV)", "Data package (tables as CSV)"
    ),
    "fiware/export.json": Text(
        "FIWARE KeyPerformanceIndicator: список файлов",
        "FIWARE KeyPerformanceIndicator: спіс файлаў",
        "FIWARE KeyPerformanceIndicator: list of files",
    ),
}
